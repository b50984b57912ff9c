"""The network as a folder of CSV files and one network.toml; FORMAT.md documents every column."""

from engine.adapters.folder.read import read_network, validate_folder
from engine.adapters.folder.write import write_network

__all__ = ["read_network", "validate_folder", "write_network"]
