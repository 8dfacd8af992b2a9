//! Processes: started in groups of their own, signalled by pid, sampled, reaped.
