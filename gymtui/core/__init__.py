"""What knows nothing of gyms: text, time, files, the terminal's abilities."""
