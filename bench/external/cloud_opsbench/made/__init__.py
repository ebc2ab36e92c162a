"""Cases of our own in Cloud-OpsBench's format: each fault put into a real control plane, printed by a real ``kubectl``.

``python -m bench.external.cloud_opsbench.made FOLDER [--only WORD] [--kubectl PATH]`` makes them: the API server, the
controllers and the scheduler are real; a stand-in for the kubelet writes statuses and Events in the kubelet's wordings.
No case of the benchmark was looked at; what is here shows that the reading works, not how good the judgement is.
"""
