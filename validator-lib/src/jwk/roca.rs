//! Owns: recognising RSA moduli of a faulty key generator whose primes were powers of 65537 modulo the
//! product of the small primes, so that they can be factored (CVE-2017-15361, "ROCA", Nemec et al. 2017, section 4).

const GENERATOR: u32 = 65_537;
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus is a power of the generator modulo every small prime. A sound modulus is taken
/// for a weak one about once in 2^27.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    SMALL_PRIMES.iter().all(|prime| is_power(remainder(modulus, *prime), *prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

fn is_power(wanted: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == wanted {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_power, is_weak, remainder};

    #[test]
    fn a_power_of_the_generator_is_weak_and_its_neighbours_are_not() {
        // 65537^7, of 113 bits.
        let power = 65_537_u128.pow(7);
        assert!(is_weak(&power.to_be_bytes()));
        for near in [power - 2, power + 2, power + 4] {
            assert!(!is_weak(&near.to_be_bytes()));
        }
    }

    #[test]
    fn remainders_are_those_of_the_number() {
        let number = 0x0123_4567_89ab_cdef_u64;
        for prime in super::SMALL_PRIMES {
            let expected = u32::try_from(number % u64::from(prime)).unwrap();
            assert_eq!(remainder(&number.to_be_bytes(), prime), expected);
            assert!(is_power(1, prime) && is_power(super::GENERATOR % prime, prime));
            assert!(!is_power(0, prime));
        }
    }
}
