"""The pages of one module and of one alert."""
