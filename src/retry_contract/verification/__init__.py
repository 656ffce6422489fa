"""The plan of a run, where the service and the rules meet."""
