"""What people use to work with the simulation: smaller scenarios, stories, totals, reports."""
