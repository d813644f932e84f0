"""The detached process that runs a study, and how it is started, stopped and resumed."""
