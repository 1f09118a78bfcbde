"""A throwaway cluster with live traffic, to try the console on."""
