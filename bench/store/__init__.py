"""The store of stage results, shared by processes through leases."""
