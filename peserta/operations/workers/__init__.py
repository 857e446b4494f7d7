"""One worker of the service in this process. Each imports only what it needs itself."""
