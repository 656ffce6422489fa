"""The documented service as a pure model. It opens no socket, reads no clock and never sleeps."""
