"""The exchange over HTTP. `api.app.create_app(settings)` makes the application; importing does nothing."""
