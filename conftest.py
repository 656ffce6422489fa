"""Loads the plugin in a checkout; an installed package brings it by its entry point."""

pytest_plugins = ["retry_contract.plugin"]
