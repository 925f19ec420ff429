"""Background work: a queue of jobs in the registry, and what runs it. Knows organisations and people by number."""
