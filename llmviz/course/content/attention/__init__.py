"""The questions and exercises of a lesson."""
