"""Questions answered from the web or from an encyclopedia on the device."""
