"""Sourcewise over HTTP: thin routes that turn requests into commands of the desk, and answers into responses."""
