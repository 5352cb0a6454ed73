"""The body of tako: button, light, camera, microphone, recognisers, voice, the turn and the command line."""
