"""Operations, one module per topic; each turns a request into a command of the desk."""
