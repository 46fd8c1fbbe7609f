"""Training on Dask's distributed scheduler, on ratings that no machine holds alone.

Needs the extra ``distributed``; serving never imports it. The parts:

    cluster      connects to a scheduler, or starts one with workers on this machine
    plan         who trains on what: replicas, batches, rounds, the keys of random numbers
    parameters   the state of a training as one vector, one file per round
    users        the users of each replica, loaded by the workers
    replica      the work of a replica in a round: a pure function, run by any worker
    reduction    sums of the replicas' results, in a fixed order
    rounds       hands out the work of a round, and collects it
    state        where a training is, on disk
    trainer      round by round, epoch by epoch; stops and resumes
    measuring    the figures of an epoch
    finishing    prior and couplings by one map-reduce each

Local stochastic gradient descent [1]_: in each round, R *replicas* begin with the same parameters,
each takes some steps on batches of its own users, and the mean of what they have changed, weighted
by their numbers of users, is the change of the round. The bits depend on data, seed and settings, R
being one of them; not on the number of workers, and not on who computed what, or twice.

References
----------
.. [1] S. Stich. Local SGD Converges Fast and Communicates Little. ICLR 2019.
"""
