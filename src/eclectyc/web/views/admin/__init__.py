"""Pages of an administrator: thin, over the services of the estate and of the accounts."""
