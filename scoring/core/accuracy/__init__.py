"""Accuracy as sums that merge: measured per chunk, added in chunk order, turned into figures once over all rows."""
