"""The synthetic city: a seeded world, written out as the departments' systems in their own shapes.

Nothing here imports the product's rules (`schemas`): numbers, divisions and the truth about planted dirt are an
independent implementation, so that the demo can judge the product and not merely repeat it.
"""
