"""What lies behind the numbers: verdicts by sample, where answers are lost, tokens and time."""
