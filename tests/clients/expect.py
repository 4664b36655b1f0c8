"""What every Python driver is asked: the same facts about the customer 7 of the sample."""
import os

SSN = os.environ["SAMPLE_SSN"]
EMAIL = os.environ["SAMPLE_EMAIL"]


def masked(ssn, email):
    """Both came masked, in the way that their classes say."""
    assert ssn != SSN and ssn.endswith(SSN[-4:]) and "*" in ssn, ssn
    assert email != EMAIL and email.startswith(EMAIL[:2]) and "@" in email, email


def refused(error, state):
    assert state == "42501", (state, error)
    assert "no policy permits" in str(error), error
