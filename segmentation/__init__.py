"""Koutu: photo in, found objects, clean cut-out out."""
