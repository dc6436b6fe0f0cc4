"""The pages of the checks that report: what they show, and how it looks."""
