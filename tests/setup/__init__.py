"""What the tests need besides Python packages: found, or fetched."""
