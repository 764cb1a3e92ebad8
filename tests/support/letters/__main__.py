from tests.support.letters.composition import main

main()
