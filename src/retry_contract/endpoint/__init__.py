"""Ways to reach a service, behind one interface."""
