"""Corpora from the network: downloaded, checked, unpacked, put in place."""
