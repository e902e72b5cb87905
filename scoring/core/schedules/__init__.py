"""Cron batches as values: lines, slots, templates, policies, definitions."""
