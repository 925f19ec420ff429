"""Background jobs: a queue in the registry and its workers. Organisations and people are known by number only."""
