"""Lesson 0 has no function to write."""

WRONG = {}
