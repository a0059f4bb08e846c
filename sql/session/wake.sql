-- session/wake: tells a sleeping dispatcher, at commit, that there is work.
SELECT posthorn.wake()
