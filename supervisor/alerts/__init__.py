"""What an alert is, what is sent of it and when. Pure rules, no input or output."""
