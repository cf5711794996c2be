"""What `gymtui doctor` looks at: this machine, the way to the gym, the terminal."""
