"""Pages for people, served by the service from the package itself; each calls the same API as any other program."""
