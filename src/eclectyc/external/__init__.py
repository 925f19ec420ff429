"""Facts from outside: values by region or location and time, such as calorific values, temperatures or prices."""
