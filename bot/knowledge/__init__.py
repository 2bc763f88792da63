"""Turn a folder of YAML into one immutable Knowledge, or say precisely why it cannot be."""
