"""What other tools would say of a run, to stand beside our verdict: one file a tool, each with judge(case).

judge returns the tool's findings in our words, the foremost first, and none where it finds nothing wrong.
"""
