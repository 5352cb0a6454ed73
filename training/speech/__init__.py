"""Recordings of the project's own: texts in, 16 kHz WAVs out. Runs on a PC, never on the device."""
