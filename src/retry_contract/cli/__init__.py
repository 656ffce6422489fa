"""The command line: reads options, calls one function, and hands the result to a reporter."""
