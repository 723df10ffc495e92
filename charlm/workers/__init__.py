"""Who computes: the threads of a process and the processes of an MPI job."""
