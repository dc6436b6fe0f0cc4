"""The mails of the checks that report: what they gather, how it looks."""
