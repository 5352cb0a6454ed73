"""What is to be said later: times in words, schedules, the store."""
