"""What leaves the app: the report as one HTML page, tables for papers and programs, trackers' formats, bundles. Trains nothing."""
