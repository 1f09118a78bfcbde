"""Whole walks on MySQL and MariaDB."""
