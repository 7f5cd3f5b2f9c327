from tests.pipeline.test_history import *
from tests.pipeline.test_history import city
from pipeline.rebuild.whole import rebuild
import pytest
@pytest.mark.parametrize("which",["plain","scan","cut"])
def test_dbg(city, which):
    city.clear()
    for mode in HOW:
        city.change(mode, 3, CONTENTS[0]); city.read(mode)
    if which!="plain": city.scan("incremental")
    for mode in HOW:
        city.change(mode, 3, CONTENTS[1]); city.read(mode)
        if which!="plain": city.scan(mode)
    if which=="cut":
        city.hub.settings.keep_history_years=1
        city.hub.settings.keep_landing_days=36500
    r = rebuild(city.hub)
    print(which, [(t.table,t.missing,t.extra,t.different,[ (x.how,x.at,x.columns) for x in t.listed]) for t in r.tables if not t.same], r.failed)
    assert r.same
