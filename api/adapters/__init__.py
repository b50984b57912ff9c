"""Other systems' own formats, answered by the same desk; each is off until it is given a secret."""
