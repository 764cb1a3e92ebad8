from contexts.baskets.composition import compose
from mallbots_platform.process import main

main(compose)
