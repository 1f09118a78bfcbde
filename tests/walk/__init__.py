"""Whole walks with the real runner process on real servers, without a screen.

`walking.py` starts runners and asks them; `traffic.py` is the application that goes on meanwhile; `shops.py` holds
tables with every kind of key and name, each with an independent computation of what the column should hold.
"""
