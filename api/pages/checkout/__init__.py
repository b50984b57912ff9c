"""A small shop on the network that is served: what a checkout does with the API, to look at and to try."""
